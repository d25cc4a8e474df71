/**
 * What of a plan everyone who can pull the image could read: the values of variables that were declared
 * secret or left out, wherever they stand, and texts that look like secrets (spec section 8). Messages
 * name places and variables, never a value.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { secretForms } from "../masking.ts";
import {
  type DeclaredSecret,
  isOrdinary,
  looksLikeSecret,
  maybeSecretKind,
  secretFinder,
} from "../secrets.ts";
import { bakedVariables, type Concern, nameMatcher } from "./env.ts";
import type { PlanOptions } from "./options.ts";
import type { Project } from "./project.ts";
import type { BuildPlan } from "./types.ts";

/** A plan that is complete but for what is said of it. */
export type ExposedPlan = Omit<BuildPlan, "warnings">;

/** A text of the image. */
interface Place {
  /** How messages call it. */
  readonly what: string;
  /** What `--allow-env` calls it. */
  readonly name: string;
  /** The text. */
  readonly text: string;
  /** Whether it is a variable, or a file: their own look like secrets by other rules. */
  readonly judged: boolean;
}

/** Fields of a plan and its config that are no text in the image, or are listed apart. */
const OTHER_FIELDS = new Set(
  ("platform from fromText tag mountPoint compression layers missing config declared allowed notes " +
    "created env fixedEnv path").split(" "),
);

/** A field of the config: a text, the words of a command, a table. */
function placesOfField(field: string, value: unknown): readonly Place[] {
  const place = { what: field, name: field, judged: false };
  if (typeof value === "string") return [{ ...place, text: value }];
  if (Array.isArray(value)) return [{ ...place, text: value.join(" ") }];
  if (typeof value !== "object" || value === null) return [];
  const singular = field.replace(/s$/, "");
  return Object.entries(value).map(([key, text]) => ({
    what: `${singular} ${JSON.stringify(key)}`,
    name: key,
    text: String(text),
    judged: false,
  }));
}

/** Every text that the image's config, its history and its files take from the project. */
function placesOf(plan: ExposedPlan): readonly Place[] {
  const { config, layers } = plan;
  return [
    ...config.env.map(([name, text]) => ({ what: name, name, text, judged: true })),
    ...Object.entries({ ...plan, ...config }).filter(([field]) => !OTHER_FIELDS.has(field)).flatMap(
      (
        [field, value],
      ) => placesOfField(field, value),
    ),
    ...layers.flatMap((layer) => [
      ...[layer.createdBy, ...Object.values(layer.annotations)].map((text) => ({
        what: `the ${layer.kind} layer ${JSON.stringify(layer.name)}`,
        name: layer.name,
        text,
        judged: false,
      })),
      ...layer.sources.flatMap((source) =>
        // What the config layer has of variables is judged as variables.
        source.type !== "content" || layer.kind === "config" ? [] : {
          what: `the file ${JSON.stringify(source.imagePath)}`,
          name: source.imagePath,
          text: source.content,
          judged: true,
        }
      ),
    ]),
  ];
}

/**
 * The values that must be nowhere in the image: of variables that mise marks as secret and that are not
 * allowed, and of those left out, unless an ordinary setting is all they are.
 */
export function declaredSecrets(project: Project, options: PlanOptions): readonly DeclaredSecret[] {
  const dropped = nameMatcher([...project.oci.dropEnv, ...options.dropEnv]);
  const allowed = nameMatcher([...project.oci.allowEnv, ...options.allowEnv]);
  const configFiles = new Set(project.configFiles);
  const own = bakedVariables(project).filter(({ name, value, redacted, source }) =>
    redacted || (dropped(name) &&
      (looksLikeSecret(name) || (source !== undefined && !configFiles.has(source)) ||
        !isOrdinary(value)))
  );
  return [...own, ...project.secrets ?? []].filter(({ name }) => !allowed(name))
    .map(({ name, value }) => ({ name, value }));
}

/** A place that holds the value of a declared secret. */
export interface DeclaredPlace extends Pick<Place, "what" | "name"> {
  /** The secret. */
  readonly secret: DeclaredSecret;
}

/** @throws {MiseOciError} `secret` naming each place and its variable. */
export function refuseDeclared(found: readonly DeclaredPlace[]): void {
  const [first] = found;
  if (first === undefined) return;
  const { secret: { name } } = first;
  const list = new Set(found.map((one) => `${one.what} contains the value of ${one.secret.name}`));
  // The value may stand in the path of a file.
  const mask = (text: string): string =>
    found.reduce(
      (masked, { secret }) =>
        secretForms(secret.value.trim()).reduce(
          (rest, form) => rest.replaceAll(form, "***"),
          masked,
        ),
      text,
    );
  throw new MiseOciError(
    "secret",
    mask(`Cannot bake into the image what is declared secret or left out: ${[...list].join("; ")}`),
    {
      hint: mask(
        `Take it out, and pass it when the container runs with -e; if the value of ${name} is no ` +
          `secret, say --allow-env ${name}, or --allow-env ${first.name} for this one place (or ` +
          "allow_env under [_.oci])",
      ),
    },
  );
}

/**
 * Looks through a plan, by what it says is declared and allowed.
 *
 * @returns what looks like a secret besides variables.
 * @throws {MiseOciError} `secret` for a place that holds the value of a declared secret.
 */
export function findExposures(plan: ExposedPlan): readonly Concern[] {
  const allowed = nameMatcher(plan.allowed ?? []);
  const places = placesOf(plan).filter(({ name }) => !allowed(name));
  const maybeDeclared = secretFinder(plan.declared ?? []);
  refuseDeclared(places.flatMap(({ what, name, text }) => {
    const secret = maybeDeclared(text);
    return secret === undefined ? [] : [{ what, name, secret }];
  }));
  return places.flatMap(({ what, name, text, judged }) => {
    const kind = judged ? undefined : maybeSecretKind(text);
    return kind === undefined ? [] : [{
      text: `${what} holds what looks like ${kind}`,
      advice: `; everyone who can pull the image can read it (--allow-env ${name} accepts it)`,
    }];
  });
}
