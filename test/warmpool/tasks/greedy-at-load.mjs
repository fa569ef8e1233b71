// Needs much memory before it can be called.
const kept = []
for (let at = 0; at < 400; at++) {
  kept.push(Buffer.alloc(1024 * 1024, 1))
  await new Promise(setImmediate)
}
await new Promise((resolve) => setTimeout(resolve, 5_000))

export default () => kept.length
