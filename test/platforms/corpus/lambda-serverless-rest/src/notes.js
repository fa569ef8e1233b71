module.exports.list = async (event) => ({ statusCode: 200, body: JSON.stringify({ method: event.httpMethod, path: event.path, tags: event.multiValueQueryStringParameters?.tag ?? null }) })
