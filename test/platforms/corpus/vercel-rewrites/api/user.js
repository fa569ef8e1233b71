module.exports = (req, res) => res.json({ id: req.query.id, q: req.query.q, url: req.url })
