export default function nothing(): null {
  return null
}
