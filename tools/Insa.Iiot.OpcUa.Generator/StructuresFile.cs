using System.Globalization;
using System.Text;

namespace Insa.Iiot.OpcUa.Generator;

/// <summary>Makes Structures.g.cs, Enumerations.g.cs and EncodingIds.g.cs: the listed types and all that their fields are made of.</summary>
internal sealed class StructuresFile
{
    // Built-in type: C# type, how it is read, how it is written, its fewest bytes.
    private static readonly Dictionary<string, (string Type, string Method, int Bytes)> BuiltIns = new(StringComparer.Ordinal)
    {
        ["Boolean"] = ("bool", "Boolean", 1),
        ["SByte"] = ("sbyte", "SByte", 1),
        ["Byte"] = ("byte", "Byte", 1),
        ["Int16"] = ("short", "Int16", 2),
        ["UInt16"] = ("ushort", "UInt16", 2),
        ["Int32"] = ("int", "Int32", 4),
        ["UInt32"] = ("uint", "UInt32", 4),
        ["Int64"] = ("long", "Int64", 8),
        ["UInt64"] = ("ulong", "UInt64", 8),
        ["Float"] = ("float", "Float", 4),
        ["Double"] = ("double", "Double", 8),
        ["String"] = ("string?", "String", 4),
        ["CharArray"] = ("string?", "String", 4),
        ["DateTime"] = ("long", "DateTime", 8),
        ["Guid"] = ("Guid", "Guid", 16),
        ["ByteString"] = ("byte[]?", "ByteString", 4),
        ["XmlElement"] = ("string?", "XmlElement", 4),
        ["NodeId"] = ("NodeId", "NodeId", 2),
        ["ExpandedNodeId"] = ("ExpandedNodeId", "ExpandedNodeId", 2),
        ["StatusCode"] = ("StatusCode", "StatusCode", 4),
        ["QualifiedName"] = ("QualifiedName", "QualifiedName", 6),
        ["LocalizedText"] = ("LocalizedText", "LocalizedText", 1),
        ["ExtensionObject"] = ("ExtensionObject", "ExtensionObject", 3),
        ["DataValue"] = ("DataValue", "DataValue", 1),
        ["Variant"] = ("Variant", "Variant", 1),
        ["DiagnosticInfo"] = ("DiagnosticInfo", "DiagnosticInfo", 1),
    };

    private readonly BinarySchema _schema;
    private readonly NodeIdsCsv _ids;
    private readonly SortedSet<string> _structures = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _enumerations = new(TypeList.Enumerations, StringComparer.Ordinal);

    public StructuresFile(BinarySchema schema, NodeIdsCsv ids)
    {
        _schema = schema;
        _ids = ids;
        foreach (var service in TypeList.Services)
        {
            Take(service + "Request");
            Take(service + "Response");
        }

        foreach (var structure in TypeList.Structures)
            Take(structure);
    }

    public string MakeStructures()
    {
        var file = new StringBuilder(
            GeneratedFile.Header("Types", GeneratedFile.RootNamespace + ".BuiltInTypes", GeneratedFile.RootNamespace + ".Encoding")
        );
        file.AppendJoin('\n', _structures.Select(Structure));
        return file.ToString();
    }

    public string MakeEnumerations()
    {
        var file = new StringBuilder(GeneratedFile.Header("Types"));
        file.AppendJoin('\n', _enumerations.Select(Enumeration));
        return file.ToString();
    }

    public string MakeEncodingIds()
    {
        var file = new StringBuilder(GeneratedFile.Header("Types"));
        file.Append("/// <summary>The ids, in namespace 0, of the binary encodings.</summary>\ninternal static class EncodingIds\n{\n");
        foreach (var name in _structures)
            file.Append(CultureInfo.InvariantCulture, $"    public const uint {Named(name)} = {EncodingId(name)};\n");
        return file.Append("}\n").ToString();
    }

    private static string Named(string type) => TypeList.Renamed.GetValueOrDefault(type, type);

    private uint EncodingId(string structure) => _ids.BySymbol[structure + "_Encoding_DefaultBinary"];

    private void Take(string structure)
    {
        if (!_structures.Add(structure))
            return;
        foreach (var field in _schema.Structures[structure])
        {
            if (field.IsOptional)
                throw new NotSupportedException($"{structure}.{field.Name} is optional.");
            if (BuiltIns.ContainsKey(field.Type))
                continue;
            if (_schema.Enumerations.ContainsKey(field.Type))
                _enumerations.Add(field.Type);
            else
                Take(field.Type);
        }
    }

    private int MinimumBytes(SchemaField field) =>
        field.IsArray ? 4
        : BuiltIns.TryGetValue(field.Type, out var builtIn) ? builtIn.Bytes
        : _schema.Enumerations.TryGetValue(field.Type, out var enumeration) ? Math.Max(enumeration.Bits / 8, 1)
        : _schema.Structures[field.Type].Sum(MinimumBytes);

    private string Structure(string name)
    {
        var type = Named(name);
        var fields = _schema.Structures[name];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"internal sealed class {type} : IUaStructure<{type}>\n{{\n");
        text.Append(CultureInfo.InvariantCulture, $"    public static uint BinaryEncodingId => EncodingIds.{type};\n\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"    public static int MinimumEncodedBytes => {Math.Max(fields.Sum(MinimumBytes), 1)};\n\n"
        );
        text.Append("    public uint EncodingId => BinaryEncodingId;\n");
        foreach (var field in fields)
            text.Append(CultureInfo.InvariantCulture, $"\n    public {TypeOf(field)} {field.Name} {{ get; init; }}\n");

        text.Append(
            CultureInfo.InvariantCulture,
            $"\n    public static {type} Decode(ref UaReader reader) =>\n        new()\n        {{\n"
        );
        foreach (var field in fields)
            text.Append(CultureInfo.InvariantCulture, $"            {field.Name} = {Read(field)},\n");
        text.Append("        };\n\n    public void Encode(ref UaWriter writer)\n    {\n");
        foreach (var field in fields)
            text.Append(CultureInfo.InvariantCulture, $"        {Write(field)};\n");
        return text.Append("    }\n}\n").ToString();
    }

    private string TypeOf(SchemaField field)
    {
        if (BuiltIns.TryGetValue(field.Type, out var builtIn))
            return field.IsArray ? builtIn.Type + "[]?" : builtIn.Type;
        if (field.IsArray)
            return Named(field.Type) + "[]?";
        return _schema.Enumerations.ContainsKey(field.Type) ? field.Type : "required " + Named(field.Type);
    }

    private string Read(SchemaField field)
    {
        if (BuiltIns.TryGetValue(field.Type, out var builtIn))
        {
            if (field.IsArray)
                return $"reader.Array<{builtIn.Type}, Elements.{builtIn.Method}>()";
            return builtIn.Method switch
            {
                "NodeId" => "reader.NodeId().ToNodeId()",
                "ByteString" => "reader.ByteStringArray()",
                "XmlElement" => "reader.String()",
                _ => $"reader.{builtIn.Method}()",
            };
        }

        if (_schema.Enumerations.TryGetValue(field.Type, out var enumeration))
        {
            return field.IsArray
                ? $"reader.Array<{field.Type}, Elements.Enumeration<{field.Type}>>()"
                : $"({field.Type})reader.{WireOf(enumeration)}()";
        }

        return field.IsArray ? $"reader.StructureArray<{Named(field.Type)}>()" : $"{Named(field.Type)}.Decode(ref reader)";
    }

    private string Write(SchemaField field)
    {
        if (BuiltIns.TryGetValue(field.Type, out var builtIn))
        {
            return field.IsArray
                ? $"writer.Array<{builtIn.Type}, Elements.{builtIn.Method}>({field.Name})"
                : $"writer.{builtIn.Method}({field.Name})";
        }

        if (_schema.Enumerations.TryGetValue(field.Type, out var enumeration))
        {
            if (field.IsArray)
                throw new NotSupportedException($"An array of {field.Type}.");
            return $"writer.{WireOf(enumeration)}(({TypeOfWire(enumeration)}){field.Name})";
        }

        return field.IsArray ? $"writer.StructureArray({field.Name})" : $"{field.Name}.Encode(ref writer)";
    }

    // An enumeration is an Int32; an option set is the unsigned integer it derives from.
    private static string WireOf(SchemaEnumeration enumeration) =>
        (enumeration.Bits, enumeration.IsFlags) switch
        {
            (8, _) => "Byte",
            (16, _) => "UInt16",
            (_, true) => "UInt32",
            _ => "Int32",
        };

    private static string TypeOfWire(SchemaEnumeration enumeration) => BuiltIns[WireOf(enumeration)].Type;

    private string Enumeration(string name)
    {
        var enumeration = _schema.Enumerations[name];
        var text = new StringBuilder(enumeration.IsFlags ? "[Flags]\n" : "");
        text.Append(CultureInfo.InvariantCulture, $"internal enum {name} : {TypeOfWire(enumeration)}\n{{\n");
        foreach (var (member, value) in enumeration.Members)
            text.Append(CultureInfo.InvariantCulture, $"    {member} = {value},\n");
        return text.Append("}\n").ToString();
    }
}
