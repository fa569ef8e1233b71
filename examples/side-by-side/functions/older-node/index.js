// Written for greeting 1, which exports a function.
import greeting from 'greeting'

export default {
  fetch: () => new Response(`${greeting(`Node ${process.versions.node}`)}\n`),
}
