/** Calls of an AWS-compatible server by the protocols of AWS. The project has SDK clients only for what its functions use. */

const REGION = "eu-west-1";

export interface Aws {
  /** Services with one path and a target: DynamoDB, SQS, EventBridge, CloudWatch Logs, CloudWatch, SSM. */
  json(service: string, target: string, input: object): Promise<Record<string, unknown>>;
  /** Services with form fields: IAM and SNS. @returns the XML */
  query(service: string, version: string, fields: Record<string, string>): Promise<string>;
  /** Services with a path for each resource: Lambda, EventBridge Scheduler, S3. */
  rest(service: string, method: string, path: string, body?: object | string | Uint8Array): Promise<string>;
}

/** @param url address of the server; it checks no signature */
export function createAws(url: string): Aws {
  async function send(service: string, method: string, path: string, headers: object, body?: string | Uint8Array) {
    const authorization = `AWS4-HMAC-SHA256 Credential=rehearsal/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
    const response = await fetch(url + path, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body: body as BodyInit }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${service} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text;
  }
  return {
    async json(service, target, input) {
      const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.0" };
      const text = await send(service, "POST", "/", headers, JSON.stringify(input));
      return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    },
    query(service, version, fields) {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return send(service, "POST", "/", headers, new URLSearchParams({ ...fields, Version: version }).toString());
    },
    rest(service, method, path, body) {
      const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
      return send(service, method, path, {}, isRaw ? body : JSON.stringify(body));
    },
  };
}
