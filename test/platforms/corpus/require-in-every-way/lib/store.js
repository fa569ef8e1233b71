const all = []
exports.add = (one) => all.push(one)
exports.all = all
