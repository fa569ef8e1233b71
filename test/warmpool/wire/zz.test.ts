import { test } from 'vitest'
import { RawWorker, requestFrame } from './raw-worker.ts'
import { frame } from './frames-by-hand.ts'
import { FRAME } from '../../../warmpool/wire/frames.ts'
test('late', async () => {
  const w = await RawWorker.loaded(`export default { fetch(request) {
    if (request.url.endsWith('/late')) { const reader = request.body.getReader(); setTimeout(() => reader.read().then(x=>console.error('read', x), e => console.error('E', e)), 100); return new Response('early') }
    return new Response('ok ' + request.url, {headers:{a:'b'}}) } }`)
  w.send(requestFrame(1, 'id\nGET\n/x\nhost\nlocalhost'))
  let f = await w.next(); console.log(f, f.payload.toString())
  w.send(requestFrame(2, 'id\nPOST\n/late\nhost\nlocalhost', 'begin', 1), frame(FRAME.data, 2, 'more'))
  f = await w.next(); console.log(f, f.payload.toString())
  f = await w.next(); console.log('AFTER THE END', f, f.payload.toString())
})
