namespace Insa.Iiot.AspNetCore.Http;

/// <summary>A request's body, of whatever type.</summary>
internal interface IBody
{
    /// <summary>What was read.</summary>
    object Content { get; }
}
