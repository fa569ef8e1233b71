exports.handler = (event, context, callback) => {
  callback(null, {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method: event.requestContext.http.method, q: event.queryStringParameters ?? null }),
  })
}
