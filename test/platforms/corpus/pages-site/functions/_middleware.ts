export const onRequest: PagesFunction = async ({ next }) => {
  const response = await next()
  response.headers.set('x-site', 'pages')
  return response
}
