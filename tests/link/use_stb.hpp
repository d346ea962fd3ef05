// What the programs that use stb_image themselves do with it: decode a picture in a format that our headers
// leave out, so that the whole of stb must be there and not what we kept of it. They include stb_image first.
#pragma once

int other_unit();

/// 0 when stb decoded a grey 2 x 1 PGM picture.
inline int use_stb() {
  const unsigned char picture[] = {'P', '5', ' ', '2', ' ', '1', ' ', '2', '5', '5', '\n', 7, 250};
  int width = 0;
  int height = 0;
  int channels = 0;
  unsigned char* pixels = stbi_load_from_memory(picture, sizeof picture, &width, &height, &channels, 0);
  const bool decoded =
      pixels != nullptr && width == 2 && height == 1 && channels == 1 && pixels[0] == 7 && pixels[1] == 250;
  stbi_image_free(pixels);
  return decoded ? other_unit() : 1;
}
