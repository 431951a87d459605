% COLOURS = house_colours ()   the colours of digitlab's figures: told apart by the colour-blind too

function colours = house_colours ()
  colours.ink = [29 33 41] / 255;
  colours.quiet = [93 100 112] / 255;
  colours.line = [223 226 231] / 255;
  colours.blue = [0 114 178] / 255;
  colours.orange = [213 94 0] / 255;
  colours.series = [0 114 178; 213 94 0; 0 158 115; 184 87 143; 201 138 0] / 255;
endfunction
