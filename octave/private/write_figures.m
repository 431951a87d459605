% write_figures (DRAWN, FOLDER, CLOSES)   each figure of the struct DRAWN as FOLDER/<its field's name>.png
%
% CLOSES: each is closed afterwards.

function write_figures (drawn, folder, closes)
  if (! isfolder (folder))
    [made, reason] = mkdir (folder);
    if (! made)
      refuse ("%s: cannot be made (%s); expected a folder for the pictures", folder, reason);
    endif
  endif
  for name = fieldnames (drawn)'
    handle = drawn.(name{1});
    file = fullfile (folder, [name{1} ".png"]);
    write_bytes (file, picture_of (handle));
    if (closes)
      close (handle);
    endif
    printf ("%s\n", file);
  endfor
endfunction

% gnuplot's own PNG: Octave's, by PostScript, needs Ghostscript. It is not told the folder's name, in which it would run
% what stands between backticks.
function picture = picture_of (handle)
  device = {"-dpng", "-dpngcairo"}{strcmp(graphics_toolkit (handle), "gnuplot") + 1};
  warning ("off", "print:nogs", "local");
  temporary = [tempname() ".png"];
  unwind_protect
    print (handle, device, temporary);
    id = fopen (temporary, "r");
    picture = fread (id, Inf, "*uint8");
    fclose (id);
  unwind_protect_cleanup
    unlink (temporary);
  end_unwind_protect
endfunction

function write_bytes (file, bytes)
  [id, reason] = fopen (file, "w");
  if (id < 0)
    refuse ("%s: cannot be written (%s)", file, reason);
  endif
  written = fwrite (id, bytes);
  if (fclose (id) != 0 || written != numel (bytes))
    refuse ("%s: cannot be written whole; is the disk full?", file);
  endif
endfunction
