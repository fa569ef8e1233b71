import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createAdminApp } from '../../../gateway/admin/app.ts'
import { type AdminServer, startAdminServer } from '../../../gateway/admin/server.ts'
import { AddressInUse } from '../../../gateway/http/listen.ts'
import { SAMPLE_STATUS, sourceOf } from './sample-source.ts'

const servers: AdminServer[] = []

async function start(port = 0): Promise<AdminServer> {
  const server = await startAdminServer(createAdminApp(sourceOf(SAMPLE_STATUS)), { host: '127.0.0.1', port })
  servers.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

describe('the admin server', () => {
  it('answers at the URL that it tells', async () => {
    const { url } = await start()
    const headers = { authorization: 'Bearer s3cret' }
    expect(await (await fetch(`${url}/v1/status`, { headers })).json()).toEqual(SAMPLE_STATUS)
  })

  it('leaves the global Request and Response alone', async () => {
    const before = [globalThis.Request, globalThis.Response]
    await start()
    expect([globalThis.Request, globalThis.Response]).toEqual(before)
  })

  it('says which address is in use and how to choose another', async () => {
    const { port } = new URL((await start()).url)
    const error = await start(Number(port)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AddressInUse)
    expect(error).toMatchObject({ code: 'address-in-use', address: `127.0.0.1:${port}` })
    expect((error as Error).message).toContain('--admin-port')
  })

  it('lets go of its port when it is closed, even while a client keeps half a request to itself', async () => {
    const server = await start()
    const { port } = new URL(server.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET /healthz HTTP/1.1\r\n')
    await server.close()
    expect((await start(Number(port))).url).toBe(server.url)
  })
})
