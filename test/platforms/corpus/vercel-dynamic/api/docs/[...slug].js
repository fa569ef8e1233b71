export default (req, res) => res.send(req.query.slug.join('+'))
