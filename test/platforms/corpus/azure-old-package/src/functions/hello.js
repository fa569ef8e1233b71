const { app } = require('@azure/functions')
app.http('hello', {
  methods: ['GET', 'POST'],
  route: 'hello/{name?}',
  handler: async (request, context) => ({ status: 200, jsonBody: { name: request.params.name ?? (await request.text()), url: new URL(request.url).pathname } }),
})
