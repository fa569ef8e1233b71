export default (event, _context, callback) => {
  setTimeout(() => callback(null, { statusCode: 202, headers: { 'x-a': 'b' }, body: event.rawQueryString }), 1)
}
