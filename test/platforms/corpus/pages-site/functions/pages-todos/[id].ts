export const onRequest: PagesFunction = ({ params, env }) => Response.json({ id: params.id, has: 'ASSETS' in env })
