/** The Date header, made once a second. */

let text = ''
let second = 0

export function dateField(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) {
    second = now
    text = `date: ${new Date(now * 1000).toUTCString()}\r\n`
  }
  return text
}
