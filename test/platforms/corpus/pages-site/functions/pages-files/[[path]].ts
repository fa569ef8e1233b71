export const onRequest: PagesFunction = ({ params }) => Response.json(params.path)
