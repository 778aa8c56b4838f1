using System.Xml.Linq;

namespace Insa.Iiot.OpcUa.Generator;

/// <summary>Opc.Ua.Types.bsd: the layouts of structures and the members of enumerations.</summary>
internal sealed class BinarySchema
{
    private static readonly XNamespace Opc = "http://opcfoundation.org/BinarySchema/";

    public required IReadOnlyDictionary<string, IReadOnlyList<SchemaField>> Structures { get; init; }

    public required IReadOnlyDictionary<string, SchemaEnumeration> Enumerations { get; init; }

    public static BinarySchema Read(string path)
    {
        var root = XDocument.Load(path).Root!;
        return new BinarySchema
        {
            Structures = root.Elements(Opc + "StructuredType").ToDictionary(Name, FieldsOf, StringComparer.Ordinal),
            Enumerations = root.Elements(Opc + "EnumeratedType").ToDictionary(Name, EnumerationOf, StringComparer.Ordinal),
        };
    }

    private static string Name(XElement element) => element.Attribute("Name")!.Value;

    private static IReadOnlyList<SchemaField> FieldsOf(XElement structure)
    {
        var fields = structure.Elements(Opc + "Field").ToList();
        var lengths = fields.Select(field => field.Attribute("LengthField")?.Value).ToHashSet(StringComparer.Ordinal);
        return fields
            .Where(field => !lengths.Contains(Name(field)))
            .Select(field => new SchemaField(
                Name(field),
                field.Attribute("TypeName")!.Value.Split(':')[1],
                IsArray: field.Attribute("LengthField") is not null,
                IsOptional: field.Attribute("SwitchField") is not null
            ))
            .ToList();
    }

    private static SchemaEnumeration EnumerationOf(XElement enumeration) =>
        new(
            int.Parse(enumeration.Attribute("LengthInBits")!.Value, System.Globalization.CultureInfo.InvariantCulture),
            IsFlags: enumeration.Attribute("IsOptionSet")?.Value == "true",
            enumeration.Elements(Opc + "EnumeratedValue").Select(value => (Name(value), value.Attribute("Value")!.Value)).ToList()
        );
}
