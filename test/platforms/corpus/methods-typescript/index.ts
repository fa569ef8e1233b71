interface Item {
  id: number
}
const items: Item[] = [{ id: 1 }]
export const GET = (): Response => Response.json(items)
export async function PUT(request: Request): Promise<Response> {
  const item = (await request.json()) as Item
  return Response.json({ ...item, kept: true }, { status: 201 })
}
