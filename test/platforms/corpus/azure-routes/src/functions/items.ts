import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions'

app.get('list', { route: 'items', handler: async (): Promise<HttpResponseInit> => ({ jsonBody: [1, 2] }) })
app.http('one', { methods: ['GET', 'DELETE'], route: 'items/{id:int}', handler: async (request: HttpRequest) => (request.method === 'DELETE' ? { status: 204 } : { jsonBody: { id: request.params.id } }) })
