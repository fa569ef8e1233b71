// A runtime with mistakes that are easy to make: it sends past the window, mistakes `end` for a ping, keeps no journal
// although it says so, hears of no cancel, and does not go when its wire ends.
import { Socket } from 'node:net'

const wire = new Socket({ fd: 3 })
const frame = (type, id, payload = Buffer.alloc(0)) => {
  const header = Buffer.alloc(8)
  header.writeUInt32LE((payload.length | (type << 24)) >>> 0, 0)
  header.writeUInt32LE(id, 4)
  wire.write(Buffer.concat([header, payload]))
}
const json = (type, value) => frame(type, 0, Buffer.from(JSON.stringify(value)))
const response = (id, status, head, body, flags = 0) => {
  const prefix = Buffer.alloc(7)
  prefix.writeUInt8(flags, 0)
  prefix.writeUInt16LE(status, 1)
  prefix.writeUInt32LE(head.length, 3)
  frame(0x13, id, Buffer.concat([prefix, Buffer.from(head), Buffer.from(body)]))
}

let rest = Buffer.alloc(0)
wire.on('data', (chunk) => {
  rest = Buffer.concat([rest, chunk])
  while (rest.length >= 8) {
    const end = 8 + rest.readUIntLE(0, 3)
    if (rest.length < end) return
    onFrame(rest[3], rest.readUInt32LE(4), rest.subarray(8, end))
    rest = rest.subarray(end)
  }
})
wire.on('end', () => setInterval(() => {}, 1_000))

function onFrame(type, id, payload) {
  if (type === 0x01) json(0x11, { format: 'fetch', concurrency: null })
  else if (type === 0x07) process.exit(0)
  else if (type === 0x04 || type === 0x08) frame(0x16, 0)
  else if (type === 0x02) onRequest(id, payload.toString('latin1', 9).split('\n')[2])
}

function onRequest(id, target) {
  const count = Number(/count=(\d+)/.exec(target)?.[1] ?? 0)
  if (target.startsWith('/hello')) response(id, 201, 'x-answer\nyes', 'hello')
  if (count === 0) return
  response(id, 200, '', '', 1)
  for (let at = 0; at < count; at += 65_536) frame(0x03, id, Buffer.alloc(Math.min(65_536, count - at)))
  frame(0x04, id)
}

json(0x10, { protocol: 1, runtime: 'broken 1', journal: true })
