export const config = { runtime: 'edge' }
export default (request) => new Response('edge ' + new URL(request.url).searchParams.get('a'))
