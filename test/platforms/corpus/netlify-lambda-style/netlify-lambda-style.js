exports.handler = async (event, context) => {
  if (event.httpMethod !== 'POST') return { statusCode: 405, body: 'Method Not Allowed' }
  const { name = 'stranger' } = JSON.parse(event.body)
  return { statusCode: 200, body: `Hello, ${name} at ${event.path}` }
}
