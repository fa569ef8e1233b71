export const onRequestGet: PagesFunction = () => Response.json([])
export const onRequestPost: PagesFunction = async ({ request }) => new Response(await request.text(), { status: 201 })
