/** A task that does with its own secret what it should not. */
if (process.env.BREAK) throw new TypeError(`bad key ${process.env.KEY}`)

export default (how) => {
  if (how === 'print') console.log('the key:', process.env.KEY)
  if (how === 'throw') throw new Error(`refused: ${process.env.KEY}`)
  return process.env.KEY
}
