% refuse (TEMPLATE, ...)   end with one line: what was given, what was expected, what to do

function refuse (template, varargin)
  error ([template "\n"], varargin{:});  % the line break at its end keeps Octave from listing the callers
endfunction
