/** `[_.oci] ca` reaches a JVM: its default trust manager has the certificate, in a container. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encodeTrustStore, pemCertificates } from "../../src/build/base/java_trust.ts";
import { buildProject } from "../support/image_project.ts";
import { CertificateAuthority, hasOpenssl } from "../support/certs.ts";
import { copyBase, createMiseProject, startPodman, testUnless } from "../support/testbed.ts";

/** A JDK whose own settings are in it: Debian's are links into /etc. */
function maybeJdk(): string | undefined {
  const parent = "/usr/lib/jvm";
  try {
    return [...Deno.readDirSync(parent)].map(({ name }) => join(parent, name)).find((path) => {
      try {
        return Deno.lstatSync(join(path, "conf/security/java.security")).isFile;
      } catch {
        return false;
      }
    });
  } catch {
    return undefined;
  }
}

/** Prints how many authorities Java trusts by default, and whether the one by the test's name is among them. */
const PROGRAM = `import java.security.KeyStore;
import javax.net.ssl.*;
class T {
  public static void main(String[] args) throws Exception {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init((KeyStore) null);
    var issuers = ((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers();
    var own = 0;
    for (var one : issuers) if (one.equals(load())) own++;
    System.out.println(issuers.length + " " + own);
  }
  static Object load() throws Exception {
    try (var in = new java.io.FileInputStream("/etc/ssl/mise-oci/ca.pem")) {
      return java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }
}
`;

const JDK = maybeJdk();

testUnless(
  JDK === undefined ? "no JDK with settings of its own" : hasOpenssl() ? undefined : "no openssl",
  {
    needs: ["linux", "root", "mise", "base", "podman", "runc"],
    name:
      "certificates of [_.oci] ca are in Java's trust store: a tool's own, and the one that it shares with the base",
  },
  async () => {
    await using authority = await CertificateAuthority.create();
    await using project = await createMiseProject({
      toml: '[tools]\njava = "25"\n[oci]\ntag = "v"\n[_.oci]\nca = ["corp.pem"]\n' +
        '[[oci.copy]]\nhost = "T.java"\nimage = "/srv/T.java"\n',
      files: { "corp.pem": authority.cert, "T.java": PROGRAM },
    });
    await using podman = await startPodman();
    const base = join(project.root, "base");
    await copyBase(base);
    const tree = join(project.root, "jdk");
    const { code } = await new Deno.Command("cp", { args: ["-a", JDK ?? "", tree] }).output();
    assertEquals(code, 0);
    const store = join(tree, "lib/security/cacerts");
    for (const expected of ["2 1", "1 1"]) {
      await Deno.remove(store);
      // Then the base has no bundle, so what its Javas would share has the one certificate.
      if (expected === "1 1") await Deno.symlink("/etc/ssl/certs/java/cacerts", store);
      else {
        await using other = await CertificateAuthority.create();
        const certificates = pemCertificates(other.cert, "other");
        await Deno.writeFile(store, await encodeTrustStore(certificates));
      }
      await project.runMise("link", "--force", "java@25", tree);
      const { output } = await buildProject(project, [
        "--from",
        `oci:${base}`,
        "--no-mise",
        "--compression",
        "none",
      ]);
      const ran = await podman.runLayout(`${output}:v`, ["java", "/srv/T.java"]);
      assertEquals(ran.stdout, `${expected}\n`, ran.stderr);
    }
  },
);
