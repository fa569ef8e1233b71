export default function handler({ query, body, cookies }, res) {
  if (query.to) return res.redirect(307, query.to)
  res.status(201).json({ query, body, cookies })
}
