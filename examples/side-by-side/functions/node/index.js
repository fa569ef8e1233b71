// Written for greeting 2, which takes an object.
import { greet } from 'greeting'

export default {
  fetch: () => new Response(`${greet({ name: `Node ${process.versions.node}` })}\n`),
}
