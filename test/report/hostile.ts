/** Names as somebody would choose them who wants to break out of a page. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  ']]></style></svg></section><b>',
  '<!-- -->&amp;&#60;script>',
  '\u{0}\u{8}\u{1B}\u{FFFF}\u{D800}',
]
