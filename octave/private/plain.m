% TEXT = plain (TEXT)   a name as it may be drawn: not too long, and nothing that gnuplot would obey or cannot draw
%
% gnuplot gets it between double quotes, in which it would run what stands between backticks as a command. A letter that
% no font has fills its picture: those beyond Latin, Greek and Cyrillic become question marks.

function text = plain (text)
  text = regexprep (text, "[`\"\\\\[:cntrl:]]", "'");
  text = regexprep (text, "[^\\x{20}-\\x{4FF}]", "?");
  letters = unicode_idx (text);
  if (! isempty (text) && letters(end) > 40)
    text = [text(letters <= 19) "..." text(letters > letters(end) - 18)];
  endif
endfunction
