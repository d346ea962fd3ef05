// The letters as pixels, drawn with FreeType from a font that looks like the data set's.
#pragma once

#include <captcha/core/error.hpp>

#include "glyph_table.hpp"
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_BBOX_H
#include FT_OUTLINE_H

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace captcha::app {

/// How much ink each pixel of one letter holds, 0 to 255. Its first column is the pen's, row `baseline` is
/// the first one below the line that the letters stand on.
struct Glyph {
  static constexpr int height = 48;
  static constexpr int width = 40;
  static constexpr int baseline = 34;

  std::array<std::uint8_t, static_cast<std::size_t>(height) * static_cast<std::size_t>(width)> ink{};

  std::uint8_t at(int row, int column) const {
    return ink[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
               static_cast<std::size_t>(column)];
  }
};

/// Go Bold, where the packages of Debian, Ubuntu, Fedora and Arch put it. Throws Error if it is at none of
/// them.
inline std::filesystem::path find_font() {
  for (const char* place :
       {"/usr/share/fonts/fonts-go/Go-Bold.ttf", "/usr/share/fonts/truetype/go/Go-Bold.ttf",
        "/usr/share/fonts/google-go-fonts/Go-Bold.ttf", "/usr/share/fonts/TTF/Go-Bold.ttf"})
    if (std::filesystem::exists(place)) return place;
  throw Error(
      "/usr/share/fonts/fonts-go/Go-Bold.ttf: not found, expected the font that characters are drawn with; "
      "install it: apt-get install fonts-go");
}

/// All letters in both designs and a few stroke weights, drawn once. Read-only, so threads may share it.
class Glyphs {
 public:
  /// Stroke weights, from 0.2 pixels less than the font's own to 1 more: the true letters lie within.
  static constexpr int weights = 3;

  /// Draws the letters of a TrueType font. Throws Error if the file is no font or lacks a letter.
  explicit Glyphs(const std::filesystem::path& font = find_font()) {
    FT_Library opened_library = nullptr;
    if (FT_Init_FreeType(&opened_library) != 0) throw Error("FreeType cannot be started: out of memory");
    const std::unique_ptr<FT_LibraryRec_, decltype(&FT_Done_FreeType)> library(opened_library,
                                                                               FT_Done_FreeType);
    FT_Face opened_face = nullptr;
    if (FT_New_Face(library.get(), font.c_str(), 0, &opened_face) != 0)
      throw Error(font.string() +
                  ": not a font that FreeType reads, expected Go-Bold.ttf of package fonts-go");
    const std::unique_ptr<FT_FaceRec_, decltype(&FT_Done_Face)> face(opened_face, FT_Done_Face);
    if (FT_Set_Pixel_Sizes(face.get(), 0, font_size) != 0)
      throw Error(font.string() + ": a font of fixed size, expected one that scales, such as Go-Bold.ttf");
    glyphs_.reserve(letter_table.size() * 2 * weights);
    for (const Letter& letter : letter_table)
      for (const GlyphBox& box : letter.designs)
        for (int weight = 0; weight < weights; ++weight) {
          // Bad index 0 is the font's "no such letter" box, which must not pass for a letter.
          const FT_UInt index = FT_Get_Char_Index(face.get(), static_cast<FT_ULong>(letter.label));
          if (index == 0 || FT_Load_Glyph(face.get(), index, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0 ||
              face->glyph->format != FT_GLYPH_FORMAT_OUTLINE)
            throw Error(font.string() + ": has no letter '" + letter.label + "', expected Go-Bold.ttf");
          glyphs_.push_back(draw(library.get(), face->glyph->outline, box, weight));
        }
  }

  /// One letter: `number` is its place in letter_table, `design` 0 or 1, `weight` below `weights`.
  const Glyph& operator()(std::size_t number, std::size_t design, std::size_t weight) const {
    return glyphs_[(number * 2 + design) * weights + weight];
  }

 private:
  /// FreeType counts in 1/64 pixels, upwards from the baseline.
  static constexpr double unit = 64;

  static Glyph draw(FT_Library library, FT_Outline& outline, const GlyphBox& box, int weight) {
    FT_Outline_Embolden(&outline, std::lround((0.6 * weight - 0.2) * unit));
    FT_BBox ink;
    FT_Outline_Get_BBox(&outline, &ink);
    const double stretch = box.width * unit / static_cast<double>(ink.xMax - ink.xMin);
    const FT_Matrix widen{std::lround(stretch * 0x10000), 0, 0, 0x10000};
    FT_Outline_Transform(&outline, &widen);
    FT_Outline_Get_BBox(&outline, &ink);
    FT_Outline_Translate(&outline, std::lround(box.bearing * unit) - ink.xMin,
                         std::lround((Glyph::height - Glyph::baseline) * unit));
    Glyph glyph;
    FT_Bitmap bitmap{};
    bitmap.rows = Glyph::height;
    bitmap.width = Glyph::width;
    bitmap.pitch = Glyph::width;  // positive: the first row is the top one
    bitmap.buffer = glyph.ink.data();
    bitmap.num_grays = 256;
    bitmap.pixel_mode = FT_PIXEL_MODE_GRAY;
    if (FT_Outline_Get_Bitmap(library, &outline, &bitmap) != 0)
      throw Error("FreeType cannot draw a letter of this font; expected Go-Bold.ttf of package fonts-go");
    return glyph;
  }

  std::vector<Glyph> glyphs_;
};

/// The glyphs of the installed font, drawn at the first call. Throws Error as find_font() does.
inline const Glyphs& installed_glyphs() {
  static const Glyphs glyphs;
  return glyphs;
}

}  // namespace captcha::app
