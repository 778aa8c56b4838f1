using Insa.Iiot.OpcUa.Generator;
using Insa.Iiot.OpcUa.Generator.NodeSets;

switch (args)
{
    case ["types", var source, var target]:
        var ids = NodeIdsCsv.Read(Path.Combine(source, "NodeIds.csv"));
        var structures = new StructuresFile(BinarySchema.Read(Path.Combine(source, "Opc.Ua.Types.bsd")), ids);
        Directory.CreateDirectory(target);
        Write("StatusCodes.g.cs", StatusCodesFile.Make(File.ReadLines(Path.Combine(source, "StatusCode.csv"))));
        Write("NodeIds.g.cs", NodeIdsFile.Make(ids));
        Write("Enumerations.g.cs", structures.MakeEnumerations());
        Write("EncodingIds.g.cs", structures.MakeEncodingIds());
        Write("Structures.g.cs", structures.MakeStructures());
        return 0;

        void Write(string name, string text) => File.WriteAllText(Path.Combine(target, name), text);
    case ["nodeset", .. var paths]:
        return NodeSetCommand.Run(paths);
    default:
        Console.Error.WriteLine("usage: types <folder of the standard's files> <Types/Generated of the package>");
        Console.Error.WriteLine("       nodeset <Opc.Ua.NodeSet2.xml> <our NodeSet2.xml> <AddressSpace/StandardNodes.bin of the package>");
        return 1;
}
