/**
 * Blob uploads of the registry of the tests (distribution-spec, "Pushing Blobs").
 * @module
 */
import { concat, type Reply, type ServerRequest } from "./exchange.ts";
import { digestOf, type Repositories, type Upload } from "./repositories.ts";
import { errorReply } from "./errors.ts";

/** How uploads behave besides the specification. */
export interface UploadOptions {
  /** Announces `OCI-Chunk-Min-Length`, and refuses shorter chunks that are not the last. */
  readonly minChunk?: number;
}

function location(name: string, id: string, upload: Upload): Record<string, string> {
  return {
    location: `/v2/${name}/blobs/uploads/${id}?_state=${upload.state}`,
    range: `0-${Math.max(0, upload.bytes.length - 1)}`,
    "docker-upload-uuid": id,
  };
}

function commit(content: Repositories, name: string, bytes: Uint8Array, digest: string): Reply {
  if (digestOf(bytes) !== digest) return errorReply(400, "DIGEST_INVALID", "digest does not match");
  content.addBlob(name, bytes);
  return {
    status: 201,
    headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest },
  };
}

/** `POST /v2/NAME/blobs/uploads/`. */
export function startUpload(
  content: Repositories,
  request: ServerRequest,
  name: string,
  options: UploadOptions,
): Reply {
  const digest = request.query.get("digest");
  if (digest !== null) return commit(content, name, request.body, digest);
  const mount = request.query.get("mount");
  const from = request.query.get("from");
  if (mount !== null && from !== null && content.has(from)) {
    const bytes = content.get(from).blobs.get(mount);
    if (bytes !== undefined) return commit(content, name, bytes, mount);
  }
  const id = crypto.randomUUID();
  const upload: Upload = { repository: name, bytes: new Uint8Array(0), state: 0 };
  content.uploads.set(id, upload);
  const min = options.minChunk;
  return {
    status: 202,
    headers: {
      ...location(name, id, upload),
      ...(min === undefined ? {} : { "oci-chunk-min-length": String(min) }),
    },
  };
}

function patch(upload: Upload, request: ServerRequest, at: { name: string; id: string }): Reply {
  const range = request.headers.get("content-range");
  if (range !== null) {
    const [, start, end] = /^(\d+)-(\d+)$/.exec(range) ?? [];
    const fits = Number(start) === upload.bytes.length &&
      Number(end) - Number(start) + 1 === request.body.length;
    if (!fits) {
      return {
        ...errorReply(416, "BLOB_UPLOAD_INVALID", "out of order"),
        headers: location(at.name, at.id, upload),
      };
    }
  }
  upload.bytes = concat([upload.bytes, request.body]);
  upload.state++;
  return { status: 202, headers: location(at.name, at.id, upload) };
}

/** `PATCH`, `PUT`, `GET` and `DELETE` of an upload session. */
export function continueUpload(
  content: Repositories,
  request: ServerRequest,
  at: { readonly name: string; readonly id: string },
): Reply {
  const upload = content.uploads.get(at.id);
  if (upload === undefined || upload.repository !== at.name) {
    return errorReply(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  }
  switch (request.method) {
    case "GET":
      return { status: 204, headers: location(at.name, at.id, upload) };
    case "PATCH":
      return patch(upload, request, at);
    case "DELETE":
      content.uploads.delete(at.id);
      return { status: 204 };
    case "PUT": {
      const digest = request.query.get("digest");
      if (digest === null) return errorReply(400, "DIGEST_INVALID", "digest missing");
      const reply = commit(content, at.name, concat([upload.bytes, request.body]), digest);
      if (reply.status === 201) content.uploads.delete(at.id);
      return reply;
    }
    default:
      return errorReply(405, "UNSUPPORTED", "method not allowed");
  }
}
