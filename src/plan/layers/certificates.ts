/**
 * The certificates of `[_.oci] ca`: a layer that contains them, and variables for programs that do
 * not read the system's bundle.
 * @module
 */
import { CERTIFICATE_BUNDLES } from "../../oci/image_path.ts";
import { Annotation } from "../../oci/mod.ts";
import type { BuildPlan, LayerPlan, LayerSource, Owner } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** Image path of the file with only these certificates. */
const OWN_CERTIFICATES = "/etc/ssl/mise-oci/ca.pem";

const DEFAULT_BUNDLE = CERTIFICATE_BUNDLES[0]!;

/** A certificate bundle of the base. */
export interface CertificateBundle {
  /** Absolute image path, links resolved. */
  readonly path: string;
  /** Certificates in PEM form. */
  readonly text: string;
}

/** A Java trust store with the certificates added. */
export interface TrustStore {
  /** Absolute image path. */
  readonly path: string;
  /** Its bytes, in base64. */
  readonly base64: string;
  /** Owner of the file. */
  readonly owner: Owner;
}

const ROOT: Owner = { uid: 0, gid: 0 };

function pemSource(imagePath: string, content: string): LayerSource {
  return { type: "content", content, imagePath, mode: 0o644, owner: ROOT };
}

/** Plans the layer for a base without certificates; see {@linkcode settleCertificates}. */
export const planCertificatesLayer = ({ options }: LayerPlanInput): readonly LayerPlan[] =>
  options.certificates === undefined ? [] : [{
    kind: "certificates",
    name: "certificates",
    owner: ROOT,
    sources: [
      pemSource(OWN_CERTIFICATES, options.certificates),
      pemSource(DEFAULT_BUNDLE, options.certificates),
    ],
    relocations: [],
    exclude: [],
    policies: {},
    createdBy: "mise-oci: CA certificates",
    annotations: { [Annotation.layerKind]: "certificates" },
  }];

/**
 * Variables for programs that do not read the system's bundle. Node.js and Deno add the file to
 * their own certificates; mise's Python, requests, curl and git have the paths of the machine that
 * built them compiled in.
 */
export function certificateVariables(
  certificates: string | undefined,
): readonly (readonly [string, string])[] {
  if (certificates === undefined) return [];
  return [
    ["NODE_EXTRA_CA_CERTS", OWN_CERTIFICATES],
    ["DENO_CERT", OWN_CERTIFICATES],
    ["SSL_CERT_FILE", DEFAULT_BUNDLE],
    ["REQUESTS_CA_BUNDLE", DEFAULT_BUNDLE],
    ["CURL_CA_BUNDLE", DEFAULT_BUNDLE],
    ["GIT_SSL_CAINFO", DEFAULT_BUNDLE],
  ];
}

/** Adds the certificates to the bundles and trust stores that the base and the tools have. */
export function settleCertificates(
  plan: BuildPlan,
  certificates: string,
  { bundles, stores }: {
    readonly bundles: readonly CertificateBundle[];
    readonly stores: readonly TrustStore[];
  },
): BuildPlan {
  const { path: bundle } = bundles[0] ?? { path: DEFAULT_BUNDLE };
  const extended = bundles.map(({ path, text }) =>
    pemSource(path, `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${certificates}`)
  );
  const sources = [
    pemSource(OWN_CERTIFICATES, certificates),
    ...(extended.length > 0 ? extended : [pemSource(DEFAULT_BUNDLE, certificates)]),
    ...stores.map(({ path, base64, owner }): LayerSource => ({
      type: "content",
      content: base64,
      encoding: "base64",
      imagePath: path,
      mode: 0o644,
      owner,
    })),
  ];
  return {
    ...plan,
    layers: plan.layers.map((layer) =>
      layer.kind === "certificates" ? { ...layer, sources } : layer
    ),
    config: {
      ...plan.config,
      env: plan.config.env.map(([name, value]) =>
        value === DEFAULT_BUNDLE && /^(?:SSL_CERT_FILE|.*_CA_BUNDLE|GIT_SSL_CAINFO)$/.test(name)
          ? [name, bundle] as const
          : [name, value] as const
      ),
    },
  };
}
