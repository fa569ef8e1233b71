export default 'inner'
