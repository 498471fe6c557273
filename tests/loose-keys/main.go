// Prints what golang.org/x/text compares text by where it compares it loosely, which is what Vitess' vindexes
// unicode_loose_md5 and unicode_loose_xxhash are made of.
//
//	go run . characters   one line a character: code point, key, marks
//	go run . strings      one line a string: its bytes, its key; random ones, from a fixed seed
//
// Code points are decimal; bytes and keys are hexadecimal. The marks of a character:
//
//	c  it is canonically composed of others
//	f  with some character after it, their key is not that of the two
//	s  with some character before it, their key is not that of the two
//	m  it is a combining character that counts, so that another one beside it may be put before it
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// looseCollator compares as Vitess does (go/vt/vtgate/vindexes/unicode.go there says which options it takes).
type looseCollator struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

func newLooseCollator() *looseCollator {
	return &looseCollator{collator: collate.New(language.English, collate.Loose)}
}

// key gives the key of a string without trailing spaces; those of Vitess' keys are cut off before.
func (l *looseCollator) key(text string) []byte {
	l.buffer.Reset()
	return bytes.Clone(l.collator.KeyFromString(&l.buffer, text))
}

// canFollow says whether a character may change what stands before it: combining characters, letters of the scripts
// whose vowels are written before the consonant, and the dots of Catalan.
func canFollow(r rune) bool {
	return unicode.Is(unicode.M, r) || r >= 0xe00 && r < 0xf00 || r >= 0x1980 && r < 0x19e0 ||
		r >= 0xaa80 && r < 0xaae0 || r == 0xb7 || r == 0x387
}

func characters(out *bufio.Writer) {
	loose := newLooseCollator()
	keys := make(map[rune][]byte)
	var followers []rune
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			keys[r] = loose.key(string(r))
			if canFollow(r) {
				followers = append(followers, r)
			}
		}
	}
	first, second, moved := make(map[rune]bool), make(map[rune]bool), make(map[rune]bool)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		// Keys of three bytes and more begin with a set bit: those of characters that are not listed.
		if !utf8.ValidRune(r) || len(keys[r]) > 0 && keys[r][0] >= 0x80 {
			continue
		}
		for _, f := range followers {
			key := loose.key(string(r) + string(f))
			if len(key) == len(keys[r])+len(keys[f]) && bytes.HasPrefix(key, keys[r]) && bytes.HasSuffix(key, keys[f]) {
				continue
			}
			if combines(r) && combines(f) && bytes.Equal(key, append(bytes.Clone(keys[f]), keys[r]...)) {
				moved[r], moved[f] = true, true
			} else {
				first[r], second[f] = true, true
			}
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		marks := ""
		for _, mark := range []struct {
			letter string
			has    bool
		}{
			{"c", norm.NFD.String(string(r)) != string(r)},
			{"f", first[r]},
			{"s", second[r]},
			{"m", moved[r] || combines(r) && len(keys[r]) > 0},
		} {
			if mark.has {
				marks += mark.letter
			}
		}
		fmt.Fprintf(out, "%d\t%x\t%s\n", r, keys[r], marks)
	}
}

func combines(r rune) bool {
	return norm.NFD.PropertiesString(string(r)).LeadCCC() != 0
}

// samples are blocks that strings are made of, the more often the more there is to go wrong.
var samples = [][2]rune{
	{0x20, 0x7e}, {0x20, 0x7e}, {0xa0, 0x24f}, {0x300, 0x36f}, {0x370, 0x52f}, {0x5d0, 0x669}, {0x900, 0xdff},
	{0xe01, 0xe5b}, {0xe81, 0xedf}, {0xf40, 0xfbc}, {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1b00, 0x1b4b},
	{0x1e00, 0x20ff}, {0x2460, 0x24ff}, {0x3041, 0x33ff}, {0x4e00, 0x9fff}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfb00, 0xfdff}, {0xff01, 0xffee}, {0x10000, 0x1ffff}, {0x20000, 0x2fa1f}, {0, 0x10ffff},
}

const stringsPrinted = 1000

func randomStrings(out *bufio.Writer) {
	loose := newLooseCollator()
	random := rand.New(rand.NewSource(20261120))
	for n := 0; n < stringsPrinted; {
		block, other := samples[random.Intn(len(samples))], samples[random.Intn(len(samples))]
		text := ""
		for length := 1 + random.Intn(6); utf8.RuneCountInString(text) < length; {
			from := block
			if random.Intn(4) == 0 {
				from = other
			}
			if r := from[0] + random.Int31n(from[1]-from[0]+1); utf8.ValidRune(r) {
				text += string(r)
			}
		}
		if text[len(text)-1] != ' ' {
			fmt.Fprintf(out, "%x\t%x\n", text, loose.key(text))
			n++
		}
	}
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if len(os.Args) == 2 && os.Args[1] == "strings" {
		randomStrings(out)
	} else {
		characters(out)
	}
}
