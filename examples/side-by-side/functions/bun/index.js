export default {
  fetch: () => new Response(`Hello from Bun ${process.versions.bun}\n`),
}
