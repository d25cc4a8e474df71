/**
 * Secrets in a plan that everyone who can pull the image could read: the values of variables that
 * were declared secret or left out, in any text, and texts that look like secrets (spec section 8).
 * Messages name places and variables, never a value.
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

/** A complete plan without its warnings. */
export type ExposedPlan = Omit<BuildPlan, "warnings">;

/** A text of the image. */
interface Place {
  /** Its name in messages. */
  readonly what: string;
  /** Its name for `--allow-env`. */
  readonly name: string;
  /** The text. */
  readonly text: string;
  /** Whether other code warns if it looks like a secret, as for variables and files. */
  readonly judged: boolean;
}

/**
 * Fields of a plan and its config that are not text in the image, or that `placesOf` lists itself.
 */
const OTHER_FIELDS = new Set(
  ("platform from fromText tag mountPoint compression layers missing config declared allowed notes " +
    "created env fixedEnv path").split(" "),
);

/** The texts in a field of the config, which may be a string, a list of words or a table. */
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

/** Every text that the image's config, history and files take from the project. */
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
        // The config layer repeats variables, which are judged as variables.
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
 * The values that must not appear anywhere in the image: those of variables that mise marks as
 * secret and the user does not allow, and of dropped variables, unless the value is just an
 * ordinary setting.
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
  // The path of a file may contain the value.
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
        `Take it out, and pass it when the container runs with -e; if the value of ${name} is not a ` +
          `secret, use --allow-env ${name}, or --allow-env ${first.name} for this one place (or ` +
          "allow_env under [_.oci])",
      ),
    },
  );
}

/**
 * Searches a plan for its declared secrets and for texts that look like secrets, except where
 * allowed.
 *
 * @returns texts that look like secrets, other than variables and files.
 * @throws {MiseOciError} `secret` for a place that contains the value of a declared secret.
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
