import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { createAdminApp } from '../../../gateway/admin/app.ts'
import { KEY_FILE, writeKey } from '../../../gateway/admin/key.ts'
import { startAdminServer } from '../../../gateway/admin/server.ts'
import { renderStatus } from '../../../gateway/cli/status-table.ts'
import { SAMPLE_STATUS, sourceOf } from '../admin/sample-source.ts'
import { deadUrl, finished, runCli, serveHttp, startCli } from './run-cli.ts'

const answerStatus: RequestListener = (_, response) => response.end(JSON.stringify(SAMPLE_STATUS))

const TOKEN = ['--token', 's3cret']

/** Runs `status` against a real admin server. */
async function runStatus(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const server = await startAdminServer(createAdminApp(sourceOf(SAMPLE_STATUS)), { host: '127.0.0.1', port: 0 })
  try {
    return await runCli(['status', '--admin', server.url, ...args], env)
  } finally {
    await server.close()
  }
}

describe('status', () => {
  it('prints the table, whole and without colour into a pipe', async () => {
    const { code, stdout, stderr } = await runStatus(TOKEN)
    const table = renderStatus(SAMPLE_STATUS, { width: Number.POSITIVE_INFINITY, color: false })
    expect([code, stdout.toString(), stderr]).toEqual([0, `${table}\n`, ''])
  })

  it('prints the JSON for a program', async () => {
    const { stdout } = await runStatus(['--json', ...TOKEN])
    expect(JSON.parse(stdout.toString())).toEqual(SAMPLE_STATUS)
  })

  it('presents the token, given as an option or in the environment', async () => {
    expect((await runStatus(TOKEN)).code).toBe(0)
    expect((await runStatus([], { WRANGLER_FREE_ADMIN_TOKEN: 's3cret' })).code).toBe(0)
  })

  it('finds the gateway of a state folder by itself, and tells its token to nobody else', async () => {
    const state = mkdtempSync(join(tmpdir(), 'status-command-'))
    const server = await startAdminServer(createAdminApp(sourceOf(SAMPLE_STATUS)), { host: '127.0.0.1', port: 0 })
    const presented: unknown[] = []
    await using another = await serveHttp((request, response) => {
      presented.push(request.headers.authorization)
      answerStatus(request, response)
    })
    try {
      writeKey(state, { url: server.url, token: 's3cret' })
      expect(statSync(join(state, KEY_FILE)).mode & 0o777).toBe(0o600)
      expect((await runCli(['status', '--state', state])).code).toBe(0)
      expect((await runCli(['status'], { WRANGLER_FREE_STATE: state })).code).toBe(0)
      expect((await runCli(['status', '--state', state, '--admin', another.url])).code).toBe(0)
      expect(presented).toEqual([undefined])
    } finally {
      await server.close()
      rmSync(state, { recursive: true })
    }
  })

  it('finds the admin address in WRANGLER_FREE_ADMIN_URL', async () => {
    await using server = await serveHttp(answerStatus)
    expect((await runCli(['status', '--json'], { WRANGLER_FREE_ADMIN_URL: server.url })).code).toBe(0)
  })
})

describe('how status ends', () => {
  it('is 77 when the token is missing or wrong', async () => {
    const missing = await runStatus([])
    expect(missing.code).toBe(77)
    expect(missing.stderr).toContain('wants a token')
    const wrong = await runStatus(['--token', 'guess'])
    expect(wrong.code).toBe(77)
    expect(wrong.stderr).toContain('refuses this token')
  })

  it('is 69 when nothing answers', async () => {
    const url = await deadUrl()
    const { code, stdout, stderr } = await runCli(['status', '--admin', url])
    expect([code, stdout.toString()]).toEqual([69, ''])
    expect(stderr).toBe(
      `error: Nothing answers at ${url}: the connection is refused. Is \`wrangler-free serve\` running?\n`,
    )
  })

  it('is 69 when something else answers, the public address for one', async () => {
    await using server = await serveHttp((_, response) => response.writeHead(404).end('{"detail":"No function v1"}'))
    const { code, stderr } = await runCli(['status', '--admin', server.url])
    expect(code).toBe(69)
    expect(stderr).toContain("does not tell a gateway's status")
    expect(stderr).toContain('No function v1')
  })

  it('is 2 for an address that is none', async () => {
    expect((await runCli(['status', '--admin', 'nonsense'])).code).toBe(2)
  })
})

describe('status --watch', () => {
  it('prints the status again and again, through an outage, until Ctrl-C ends it with 0', async () => {
    let asked = 0
    await using server = await serveHttp((request, response) => {
      asked++
      if (asked === 2) request.socket.destroy()
      else answerStatus(request, response)
    })
    const child = startCli(['status', '--watch', '--json', '--admin', server.url])
    const complaint = once(child.stderr, 'data')
    const lines: unknown[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(JSON.parse(line))
      if (lines.length === 2) child.kill('SIGINT')
    }
    expect(lines).toEqual([SAMPLE_STATUS, SAMPLE_STATUS])
    expect(String((await complaint)[0])).toContain('Nothing answers at')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })

  it('does not begin when nothing answers', async () => {
    expect((await finished(startCli(['status', '--watch', '--admin', await deadUrl()]))).code).toBe(69)
  })
})
