exports.handler = async () => {
  const { says } = await import('modern-of-ours')
  const late = await import(['modern-of-ours'][0])
  return { says: says(), same: late.says === says }
}
