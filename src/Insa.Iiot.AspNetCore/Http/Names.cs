using System.Text.Json;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Values of enumerations as the API writes them.</summary>
internal static class Names
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
