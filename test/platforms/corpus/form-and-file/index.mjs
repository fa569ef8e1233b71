export async function POST(request) {
  const form = await request.formData()
  const file = form.get('file')
  return Response.json({ name: form.get('name'), file: file && [file.name, await file.text()] })
}
