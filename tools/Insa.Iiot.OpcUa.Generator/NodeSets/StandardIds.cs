namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>The ids that the generator itself has to know.</summary>
internal static class StandardIds
{
    public static readonly NodeKey BaseDataType = new(0, 24);
    public static readonly NodeKey Structure = new(0, 22);
    public static readonly NodeKey Enumeration = new(0, 29);
    public static readonly NodeKey Organizes = new(0, 35);
    public static readonly NodeKey HasModellingRule = new(0, 37);
    public static readonly NodeKey HasEncoding = new(0, 38);
    public static readonly NodeKey HasTypeDefinition = new(0, 40);
    public static readonly NodeKey HasSubtype = new(0, 45);
    public static readonly NodeKey HasProperty = new(0, 46);
    public static readonly NodeKey HasComponent = new(0, 47);
    public static readonly NodeKey AggregateFunctionType = new(0, 2340);
    public static readonly NodeKey HasOrderedComponent = new(0, 49);
}
