package tile

// Unshuffle undoes the byte shuffling of GZIP_2 (standard 4.0, section 10.4.2): src holds the most
// significant bytes of all values, then the next ones; dst receives big-endian values of width bytes.
// Both have the same length, a multiple of width; they must not overlap.
func Unshuffle(dst, src []byte, width int) {
	n := len(src) / width
	for b := range width {
		plane := src[b*n : (b+1)*n]
		for i, v := range plane {
			dst[i*width+b] = v
		}
	}
}
