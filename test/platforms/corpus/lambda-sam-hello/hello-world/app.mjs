export const lambdaHandler = async (event, context) => ({ statusCode: 200, body: JSON.stringify({ message: 'hello world', resource: event.requestContext.resourcePath }) })
