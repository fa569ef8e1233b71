export default async (req, context) => Response.json({ url: new URL(req.url).pathname, query: [...new URL(req.url).searchParams] })
