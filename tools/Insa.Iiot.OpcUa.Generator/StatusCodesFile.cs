using System.Globalization;
using System.Text;

namespace Insa.Iiot.OpcUa.Generator;

/// <summary>Makes StatusCodes.g.cs from StatusCode.csv (name, value, text; the text is left out).</summary>
internal static class StatusCodesFile
{
    public static string Make(IEnumerable<string> lines)
    {
        var codes = lines
            .Select(line => line.Split(',', 3))
            .Where(fields => fields.Length >= 2 && fields[1].StartsWith("0x", StringComparison.Ordinal))
            .Select(fields =>
                (Name: fields[0], Value: uint.Parse(fields[1].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            )
            .DistinctBy(code => code.Name)
            .ToList();

        var file = new StringBuilder(GeneratedFile.Header("BuiltInTypes"));
        file.Append("/// <summary>The status codes of the standard (Part 6 annex A.2).</summary>\ninternal static class StatusCodes\n{\n");
        foreach (var (name, value) in codes)
            file.Append(CultureInfo.InvariantCulture, $"    public static StatusCode {name} => new(0x{value:X8});\n");
        file.Append("\n    /// <summary>The name of a code, whatever its info bits; null for a code unknown to us.</summary>\n");
        file.Append("    public static string? NameOf(StatusCode status) =>\n        status.Code.Value switch\n        {\n");
        foreach (var (name, value) in codes.DistinctBy(code => code.Value))
            file.Append(CultureInfo.InvariantCulture, $"            0x{value:X8} => nameof({name}),\n");
        file.Append("            _ => null,\n        };\n}\n");
        return file.ToString();
    }
}
