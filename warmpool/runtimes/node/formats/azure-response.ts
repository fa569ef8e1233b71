/** What a handler of Azure's v4 model returned, as a Response. Throws TypeError for what is none. */

interface Cookie {
  readonly name: string
  readonly value: string
  readonly domain?: string
  readonly path?: string
  readonly expires?: Date | number
  readonly secure?: boolean
  readonly httpOnly?: boolean
  readonly sameSite?: string
  readonly maxAge?: number
}

type Body = ConstructorParameters<typeof Response>[0]
type HeadersGiven = ConstructorParameters<typeof Headers>[0]

/** HttpResponseInit of the package; its HttpResponse and a web Response look like one. */
interface Returned {
  readonly status?: number
  readonly headers?: HeadersGiven
  readonly body?: Body
  readonly jsonBody?: unknown
  readonly cookies?: readonly Cookie[]
}

const NO_BODY_STATUSES = new Set([204, 205, 304])

export function azureResponse(returned: unknown): Response {
  if (returned === null || returned === undefined) return new Response(null, { status: 204 })
  if (typeof returned !== 'object')
    throw new TypeError(
      `The handler returned a ${typeof returned}: it has to be an object with "body" or "jsonBody", "status", "headers", "cookies"`,
    )
  if (returned instanceof Response) return returned
  const { status = 200, headers, body, jsonBody, cookies } = returned as Returned
  const response = made(status, headers, body, jsonBody)
  if (cookies !== undefined) for (const cookie of cookies) response.headers.append('set-cookie', lineOf(cookie))
  return response
}

function made(status: number, headers: HeadersGiven | undefined, body: Body | undefined, jsonBody: unknown): Response {
  const init = headers === undefined ? { status } : { status, headers }
  if (NO_BODY_STATUSES.has(Number(status))) return new Response(null, init)
  return jsonBody === undefined || jsonBody === null ? new Response(body, init) : Response.json(jsonBody, init)
}

function lineOf({ name, value, maxAge, domain, path, expires, httpOnly, secure, sameSite }: Cookie): string {
  const parts = [`${name}=${encodeURIComponent(value)}`]
  if (maxAge !== undefined) parts.push(`Max-Age=${Math.trunc(maxAge)}`)
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  if (path !== undefined) parts.push(`Path=${path}`)
  if (expires !== undefined) parts.push(`Expires=${new Date(expires).toUTCString()}`)
  if (httpOnly) parts.push('HttpOnly')
  if (secure) parts.push('Secure')
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`)
  return parts.join('; ')
}
